//! What letting go of data reads and writes.

use crate::store::statement::statements;

statements! {
    /// Notices that ended at or before a time, and their incidents with them, and of which a kind of data has not gone;
    /// what a hold covers is left out.
    SELECT_DUE = "
        SELECT e.notice_id, e.number, e.ended_at, e.recipients, COALESCE(p.position, 0) AS position
        FROM (SELECT n.notice_id, n.number, n.recipients, v.incident_key,
                     CASE WHEN v.closed_at > COALESCE(n.completed_at, n.updated_at) THEN v.closed_at
                          ELSE COALESCE(n.completed_at, n.updated_at) END AS ended_at
              FROM notices n
                   LEFT JOIN incident_notices i ON i.notice_id = n.notice_id
                   LEFT JOIN incidents v ON v.incident_id = i.incident_id
              WHERE n.state IN ('completed', 'cancelled', 'expired', 'rejected')
                AND (v.incident_id IS NULL OR v.closed_at IS NOT NULL)) AS e
             LEFT JOIN retention_progress p ON p.notice_id = e.notice_id AND p.kind = $1
        WHERE e.ended_at <= $2 AND p.finished_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM notice_counts c WHERE c.notice_id = e.notice_id
                          AND c.state IN ('queued', 'sending', 'unclear') AND c.count > 0)
          AND NOT EXISTS (SELECT 1 FROM legal_holds h
                          WHERE h.scope = 'everything' OR (h.scope = 'notice' AND h.subject = e.number)
                             OR (h.scope = 'incident' AND h.subject = e.incident_key))
        ORDER BY e.notice_id LIMIT $3";
    /// The notice, held until the transaction ends.
    LOCK_NOTICE = "SELECT number FROM notices WHERE notice_id = $1 /*lock*/";
    /// Whether a notice has ended, and nothing holds it back: both may have changed since it was found due;
    /// and whether one kind of its data has come as far as was read then.
    SELECT_STILL_DUE = "
        SELECT n.number FROM notices n
             LEFT JOIN incident_notices i ON i.notice_id = n.notice_id
             LEFT JOIN incidents v ON v.incident_id = i.incident_id
             LEFT JOIN retention_progress p ON p.notice_id = n.notice_id AND p.kind = $2
        WHERE n.notice_id = $1 AND n.state IN ('completed', 'cancelled', 'expired', 'rejected')
          AND p.finished_at IS NULL AND COALESCE(p.position, 0) = $3
          AND (v.incident_id IS NULL OR v.closed_at IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM legal_holds h
                          WHERE h.scope = 'everything' OR (h.scope = 'notice' AND h.subject = n.number)
                             OR (h.scope = 'incident' AND h.subject = v.incident_key))";
    /// Whether everything is held.
    SELECT_HELD = "SELECT scope FROM legal_holds WHERE scope = 'everything'";
    /// The deliveries of a part of the frozen list.
    SELECT_PART = "
        SELECT d.delivery_id FROM recipients r JOIN deliveries d ON d.delivery_id = r.delivery_id
        WHERE r.notice_id = $1 AND r.position > $2 AND r.position <= $3
        ORDER BY d.delivery_id";
    /// That part of the list itself.
    CLEAR_PART = "
        UPDATE recipients SET card = $4, address = 'erased:' || position, destination = ''
        WHERE notice_id = $1 AND position > $2 AND position <= $3";
    /// What was reported about them.
    CLEAR_REPORTS = "
        UPDATE receipts SET text = ''
        WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1)) AND text <> ''";
    /// How far it has come.
    UPSERT_PROGRESS = "
        INSERT INTO retention_progress (notice_id, kind, position, finished_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (notice_id, kind) DO UPDATE SET
            position = excluded.position, finished_at = excluded.finished_at";
    /// Who was to be told; which organisations were is a figure.
    CLEAR_PEOPLE = "
        UPDATE notice_people SET contact_id = '', name = '', deputy_id = NULL WHERE notice_id = $1";
    /// Who shared an address.
    CLEAR_MERGED = "UPDATE merged_recipients SET contact_id = '' WHERE notice_id = $1";
    /// Who could not be reached.
    CLEAR_LOST = "
        UPDATE unreachable_recipients SET contact_id = '', name = '', reason = '' WHERE notice_id = $1";
    /// Whom it was for.
    SELECT_AUDIENCE = "SELECT audience FROM notices WHERE notice_id = $1 /*lock*/";
    UPDATE_AUDIENCE = "UPDATE notices SET audience = $2 WHERE notice_id = $1";
    /// By which ways people would have been told.
    CLEAR_WAYS = "
        UPDATE cascade_steps SET address = 'erased:' || step, card = $2 WHERE notice_id = $1";
    /// That somebody confirmed is a figure; when, and what was noted, is not.
    CLEAR_CONFIRMED = "
        UPDATE acknowledgements SET at = $2, note = '', recorded_by = '', delivery_id = NULL WHERE notice_id = $1";
    /// Their links.
    DELETE_LINKS = "DELETE FROM acknowledgement_links WHERE notice_id = $1";
    /// When a cascade ended says when somebody confirmed.
    CLEAR_CASCADES = "
        UPDATE cascade_contacts SET ended_at = $2, check_at = NULL WHERE notice_id = $1 AND ended_at IS NOT NULL";
    /// So does when a delivery was stopped because somebody had confirmed.
    CLEAR_STOPPED = "
        UPDATE deliveries SET updated_at = $2, reason = NULL WHERE notice_id = $1 AND reason_code = 'reached'";
    /// Deliveries of a notice that goes.
    DELETE_ATTEMPTS = "DELETE FROM attempts WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    DELETE_RECEIPTS = "DELETE FROM receipts WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    DELETE_DELIVERIES = "
        DELETE FROM deliveries WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// And the rest of it.
    DELETE_RECIPIENTS = "DELETE FROM recipients WHERE notice_id = $1 AND position > $2 AND position <= $3";
    DELETE_MERGED = "DELETE FROM merged_recipients WHERE notice_id = $1";
    DELETE_UNREACHABLE = "DELETE FROM unreachable_recipients WHERE notice_id = $1";
    DELETE_PEOPLE = "DELETE FROM notice_people WHERE notice_id = $1";
    DELETE_ACKNOWLEDGEMENTS = "DELETE FROM acknowledgements WHERE notice_id = $1";
    DELETE_CASCADES = "DELETE FROM cascade_contacts WHERE notice_id = $1";
    DELETE_STEPS = "DELETE FROM cascade_steps WHERE notice_id = $1";
    DELETE_COUNTS = "DELETE FROM notice_counts WHERE notice_id = $1";
    DELETE_DECISIONS = "DELETE FROM notice_decisions WHERE notice_id = $1";
    DELETE_PROGRESS = "DELETE FROM retention_progress WHERE notice_id = $1";
    DELETE_NOTICE = "DELETE FROM notices WHERE notice_id = $1";
    /// Sources of calls that have been silent for long.
    COUNT_CALLBACKS = "
        SELECT CAST(count(*) AS BIGINT) FROM callback_counts
        WHERE last_at <= $1 AND NOT EXISTS (SELECT 1 FROM legal_holds WHERE scope = 'everything')";
    DELETE_CALLBACKS = "DELETE FROM callback_counts WHERE last_at <= $1";
    /// Sessions that have been over for long.
    COUNT_SESSIONS = "
        SELECT CAST(count(*) AS BIGINT) FROM sessions
        WHERE COALESCE(ended_at, ends_at) <= $1 AND ends_at <= $2
          AND NOT EXISTS (SELECT 1 FROM legal_holds WHERE scope = 'everything')";
    DELETE_SESSIONS = "DELETE FROM sessions WHERE COALESCE(ended_at, ends_at) <= $1 AND ends_at <= $2";
}
