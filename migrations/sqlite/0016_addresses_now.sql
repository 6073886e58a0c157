-- Which addresses the contacts of deliveries have now, in the order of ranks, and how many contacts that share the
-- delivery do not have that address.
CREATE VIEW addresses_now AS
SELECT d.delivery_id AS delivery_id, d.notice_id AS notice_id, d.channel AS channel, d.address AS frozen,
       d.state AS state, d.lane AS lane, p.address AS address, p.rank AS rank,
       (SELECT CAST(count(*) AS BIGINT) FROM merged_recipients m
        WHERE m.notice_id = d.notice_id AND m.delivery_id = d.delivery_id
          AND NOT EXISTS (SELECT 1 FROM contact_points q
                          WHERE q.contact_key = m.contact_key AND q.channel = d.channel
                            AND lower(q.address) = lower(p.address))) AS left_behind
FROM deliveries d
     JOIN contacts c ON c.contact_key = d.contact_key AND c.removed_at IS NULL
     JOIN contact_points p ON p.contact_key = d.contact_key AND p.channel = d.channel;
