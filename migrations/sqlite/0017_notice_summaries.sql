-- A notice as lists show it: without its texts, with the numbers of what it corrects and what corrects it.
CREATE VIEW notice_summaries AS
SELECT n.notice_id, n.number, n.template, n.title, n.state, n.priority, n.exercise, n.created_at, n.created_by,
       n.released_at, n.scheduled_at, n.expires_at, n.completed_at, n.recipients, n.fanned_out, n.alarm,
       n.cascade_after, n.cascade_open,
       (SELECT o.number FROM notices o WHERE o.notice_id = n.supersedes) AS supersedes,
       (SELECT max(o.number) FROM notices o WHERE o.supersedes = n.notice_id) AS superseded_by,
       EXISTS (SELECT 1 FROM notice_decisions d WHERE d.notice_id = n.notice_id
               AND d.kind = 'break-glass' AND d.reviewed_at IS NULL) AS review_open
FROM notices n;
