//! What firing the next way reads and writes.

use crate::store::statement::{statements, ways_of_notice};

statements! {
    /// The ways that are left to some contacts, and why nothing goes to their address: it is suppressed, or nobody's any
    /// more whom it was for.
    SELECT_LEFT = "
        SELECT s.contact_key, s.step, s.delivery_id, s.deputy_key, s.channel, s.address,
               COALESCE(x.reason,
                        CASE WHEN EXISTS (SELECT 1
                                          FROM contact_points own
                                               JOIN contacts c ON c.contact_key = own.contact_key
                                          WHERE own.contact_key = COALESCE(s.deputy_key, s.contact_key)
                                            AND own.channel = s.channel AND lower(own.address) = lower(s.address)
                                            AND c.removed_at IS NULL)
                             THEN NULL ELSE 'it is theirs no longer' END) AS blocked
        FROM json_each_text($2)
             JOIN cascade_steps s ON s.notice_id = $1 AND s.contact_key = unhex(value, '-')
             LEFT JOIN suppressions x ON x.channel = s.channel AND x.address = lower(s.address)
                                     AND (x.until IS NULL OR x.until > $3)
        WHERE s.fired_at IS NULL AND s.fired_by IS NULL
        ORDER BY s.contact_key, s.step";
    /// The deliveries by which they were tried.
    SELECT_TRIED = "
        SELECT s.contact_key, s.delivery_id
        FROM json_each_text($2)
             JOIN cascade_steps s ON s.notice_id = $1 AND s.contact_key = unhex(value, '-')
        WHERE s.fired_at IS NOT NULL";
    /// The deliveries that the notice has to these addresses already.
    SELECT_THERE = "
        SELECT d.delivery_id, d.channel, d.address, d.state, l.acknowledged_at
        FROM deliveries d LEFT JOIN acknowledgement_links l ON l.delivery_id = d.delivery_id
        WHERE d.notice_id = $1 AND lower(d.address) IN (SELECT lower(value) FROM json_each_text($2))";
    /// Mail domains that are dead.
    SELECT_DEAD = "SELECT domain FROM dead_domains";
    /// Deputies who have confirmed for themselves.
    SELECT_CONFIRMED = "
        SELECT contact_key, by_what, delivery_id FROM acknowledgements
        WHERE notice_id = $1 AND contact_key IN (SELECT unhex(value, '-') FROM json_each_text($2))";
    /// Deputies to whom something of their own was accepted.
    SELECT_ACCEPTED = concat!("
        SELECT w.contact_key, d.delivery_id
        FROM ", ways_of_notice!(), " AS w JOIN deliveries d ON d.delivery_id = w.delivery_id
        WHERE w.by_deputy = 0 AND d.state IN ('sent', 'delivered')
          AND w.contact_key IN (SELECT unhex(value, '-') FROM json_each_text($2))");
    /// The frozen list grows by what fires.
    INSERT_FIRED = "
        INSERT INTO recipients (notice_id, position, delivery_id, channel, contact_key, card, address, destination,
                                units)
        SELECT s.notice_id, CAST(value->>'position' AS BIGINT), s.delivery_id, s.channel,
               COALESCE(s.deputy_key, s.contact_key), s.card, s.address, value->>'destination', s.units
        FROM json_each($2)
             JOIN cascade_steps s ON s.notice_id = $1 AND s.contact_key = unhex(value->>'contact', '-')
                                 AND s.step = CAST(value->>'step' AS BIGINT)";
    /// And is at once whole again.
    UPDATE_LENGTH = "UPDATE notices SET recipients = $2, fanned_out = $2, updated_at = $3 WHERE notice_id = $1";
    /// Contacts that share an address with a delivery that is there.
    INSERT_SHARING = "
        INSERT INTO merged_recipients (notice_id, delivery_id, contact_key, contact_id)
        SELECT p.notice_id, unhex(value->>'delivery', '-'), p.contact_key, p.contact_id
        FROM json_each($2)
             JOIN notice_people p ON p.notice_id = $1 AND p.contact_key = unhex(value->>'contact', '-')
        WHERE TRUE
        ON CONFLICT DO NOTHING";
    /// What became of steps.
    UPDATE_STEPS = "
        UPDATE cascade_steps SET delivery_id = done.delivery_id, fired_at = done.fired_at, fired_by = done.fired_by
        FROM (SELECT unhex(value->>'contact', '-') AS contact_key, CAST(value->>'step' AS BIGINT) AS step,
                     unhex(value->>'delivery', '-') AS delivery_id,
                     CAST(value->>'fired_at' AS BIGINT) AS fired_at, value->>'fired_by' AS fired_by
              FROM json_each($2)) AS done
        WHERE cascade_steps.notice_id = $1 AND cascade_steps.contact_key = done.contact_key
          AND cascade_steps.step = done.step";
    /// How far contacts have come.
    UPDATE_CONTACTS = "
        UPDATE cascade_contacts SET step = done.step, check_at = $3
        FROM (SELECT unhex(value->>'contact', '-') AS contact_key, CAST(value->>'step' AS BIGINT) AS step
              FROM json_each($2)) AS done
        WHERE cascade_contacts.notice_id = $1 AND cascade_contacts.contact_key = done.contact_key";
    /// Contacts who are confirmed for by somebody who had done so before.
    INSERT_CONFIRMED = "
        INSERT INTO acknowledgements (notice_id, contact_key, by_what, delivery_id, note, recorded_by, at)
        SELECT $1, unhex(value->>'contact', '-'), value->>'by_what', unhex(value->>'delivery', '-'), '', '', $3
        FROM json_each($2)
        WHERE TRUE
        ON CONFLICT (notice_id, contact_key) DO NOTHING";
}
