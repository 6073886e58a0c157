//! What erasing a contact reads and writes.

use crate::store::statement::statements;

statements! {
    /// The contact itself, held until the transaction ends.
    LOCK_CONTACT = "SELECT id FROM contacts WHERE contact_key = $1 AND id NOT LIKE 'erased-%' /*lock*/";
    /// How it is called at this moment.
    SELECT_ID = "SELECT id FROM contacts WHERE contact_key = $1 AND id NOT LIKE 'erased-%'";
    /// In which notices something stands about it.
    SELECT_TOUCHED = "
        SELECT notice_id FROM deliveries WHERE contact_key = $1
        UNION SELECT notice_id FROM recipients WHERE contact_key = $1
        UNION SELECT notice_id FROM merged_recipients WHERE contact_key = $1
        UNION SELECT notice_id FROM unreachable_recipients WHERE contact_key = $1
        UNION SELECT notice_id FROM notice_people WHERE contact_key = $1
        UNION SELECT notice_id FROM notice_people
              WHERE deputy_id = $2 AND deputy_id <> ''
        UNION SELECT notice_id FROM cascade_steps WHERE contact_key = $1 OR deputy_key = $1";
    /// How notices are called, and the incidents that they belong to.
    SELECT_NUMBERS = "
        SELECT n.number, v.incident_key
        FROM notices n
             LEFT JOIN incident_notices i ON i.notice_id = n.notice_id
             LEFT JOIN incidents v ON v.incident_id = i.incident_id
        WHERE n.notice_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// Its deliveries in a notice.
    SELECT_DELIVERIES = "
        SELECT delivery_id, channel, state FROM deliveries WHERE notice_id = $1 AND contact_key = $2
        ORDER BY delivery_id /*lock*/";
    /// Its deliveries in a notice that others share, with those others.
    SELECT_SHARING = "
        SELECT r.delivery_id, m.contact_key
        FROM recipients r
             JOIN merged_recipients m ON m.notice_id = r.notice_id AND m.delivery_id = r.delivery_id
        WHERE r.notice_id = $1 AND r.contact_key = $2 AND m.contact_key <> $2
        ORDER BY r.delivery_id, m.contact_id";
    /// Another's from now on.
    HAND_OVER_DELIVERY = "UPDATE deliveries SET contact_key = $2 WHERE delivery_id = $1";
    /// The same in the frozen list.
    HAND_OVER_RECIPIENT = "
        UPDATE recipients SET contact_key = $3, card = $4 WHERE notice_id = $1 AND delivery_id = $2";
    /// Who has the delivery does not share it.
    DELETE_MERGED = "
        DELETE FROM merged_recipients WHERE notice_id = $1 AND delivery_id = $2 AND contact_key = $3";
    /// What waits does not leave.
    CANCEL_QUEUED = "
        UPDATE deliveries SET state = 'cancelled', reason_code = 'erased', updated_at = $2
        WHERE state = 'queued' AND delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1))";
    /// Where they went, and whatever was said about it.
    CLEAR_DELIVERIES = "
        UPDATE deliveries SET address = gone.address, destination = '', lane = '', provider_ref = NULL, reason = NULL,
                              answer = NULL
        FROM (SELECT unhex(value, '-') AS delivery_id, 'erased:' || value AS address FROM json_each_text($1)) AS gone
        WHERE deliveries.delivery_id = gone.delivery_id";
    /// What providers answered.
    CLEAR_ATTEMPTS = "
        UPDATE attempts SET text = ''
        WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1)) AND text <> ''";
    /// What was reported later.
    CLEAR_RECEIPTS = "
        UPDATE receipts SET text = ''
        WHERE delivery_id IN (SELECT unhex(value, '-') FROM json_each_text($1)) AND text <> ''";
    /// Recipients that have not become deliveries: those will be suppressed ones.
    MARK_FOR_FAN_OUT = "
        INSERT INTO suppressions (channel, address, reason, detail, since, until)
        SELECT r.channel, 'erased:' || r.position, 'erased', 'the contact was erased', CAST($3 AS BIGINT), NULL
        FROM recipients r
        WHERE r.notice_id = $1 AND r.contact_key = $2
          AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.delivery_id = r.delivery_id)
        ON CONFLICT (channel, address) DO NOTHING";
    /// The frozen list.
    CLEAR_RECIPIENTS = "
        UPDATE recipients SET card = $3, address = 'erased:' || position, destination = ''
        WHERE notice_id = $1 AND contact_key = $2";
    /// Ways of a cascade that have not been tried: its own, and those by which it would be told for others.
    LEAVE_OUT_STEPS = "
        UPDATE cascade_steps SET fired_by = 'the contact was erased'
        WHERE notice_id = $1 AND (contact_key = $2 OR deputy_key = $2) AND fired_at IS NULL AND fired_by IS NULL";
    /// Where those would have gone. A deputy's way keeps the deputy's address.
    CLEAR_STEPS = "
        UPDATE cascade_steps SET address = 'erased:' || step, card = $3
        WHERE notice_id = $1 AND (deputy_key = $2 OR (contact_key = $2 AND deputy_key IS NULL))";
    /// Who it was. An organisation that others of the notice belong to says nothing about it.
    CLEAR_PERSON = "
        UPDATE notice_people SET contact_id = $3, name = '', deputy_id = NULL,
            organisation = CASE WHEN EXISTS (SELECT 1 FROM notice_people o
                                             WHERE o.notice_id = $1 AND o.contact_key <> $2
                                               AND o.organisation = notice_people.organisation)
                                THEN organisation ELSE '' END
        WHERE notice_id = $1 AND contact_key = $2";
    /// Whose deputy it was.
    CLEAR_PERSONS_DEPUTY = "UPDATE notice_people SET deputy_id = $3 WHERE notice_id = $1 AND deputy_id = $2";
    /// Whose delivery it shared.
    RENAME_MERGED = "UPDATE merged_recipients SET contact_id = $3 WHERE notice_id = $1 AND contact_key = $2";
    /// That it could not be reached.
    CLEAR_UNREACHABLE = "
        UPDATE unreachable_recipients SET contact_id = $3, name = '' WHERE notice_id = $1 AND contact_key = $2";
    /// For whom it was told instead.
    CLEAR_UNREACHABLES_DEPUTY = "
        UPDATE unreachable_recipients
        SET reason = replace(reason, 'the deputy ' || $2 || ' ', 'the deputy ' || $3 || ' ')
        WHERE notice_id = $1 AND reason LIKE '%the deputy %'";
    /// What somebody wrote down when they reached it.
    CLEAR_NOTES = "UPDATE acknowledgements SET note = '' WHERE notice_id = $1 AND contact_key = $2";
    /// Notices that may name it.
    SELECT_AUDIENCES = "SELECT notice_id, audience FROM notices
        WHERE CAST(audience AS TEXT) LIKE $1 OR lower(CAST(audience AS TEXT)) LIKE $2";
    /// They name it no longer.
    UPDATE_AUDIENCE = "UPDATE notices SET audience = $2 WHERE notice_id = $1";
    /// Somebody among the people of a notice, or their deputies, who was erased.
    SELECT_ERASED_AMONG = "
        SELECT c.id FROM contacts c
        WHERE c.id LIKE 'erased-%'
          AND (c.contact_key IN (SELECT p.contact_key FROM notice_people p WHERE p.notice_id = $1)
               OR c.contact_key IN (SELECT s.deputy_key FROM cascade_steps s
                                    WHERE s.notice_id = $1 AND s.deputy_key IS NOT NULL))
        LIMIT 1";
    /// Drafts that may name it.
    SELECT_DRAFTS_NAMING = "
        SELECT notice_id, wish FROM notice_drafts
        WHERE CAST(wish AS TEXT) LIKE $1 OR lower(CAST(wish AS TEXT)) LIKE $2 /*lock*/";
    /// They name it no longer: another version, so that whoever has read the one before notices.
    UPDATE_DRAFT_WISH = "
        UPDATE notice_drafts SET wish = $2, version = version + 1, updated_at = $3 WHERE notice_id = $1";
    /// Prepared alarms that may name it.
    SELECT_ALARMS_NAMING = "
        SELECT name, wish FROM standing_alarms
        WHERE CAST(wish AS TEXT) LIKE $1 OR lower(CAST(wish AS TEXT)) LIKE $2 /*lock*/";
    /// They name it no longer.
    UPDATE_ALARM_WISH = "UPDATE standing_alarms SET wish = $2 WHERE name = $1";
    /// What its files call it.
    SELECT_NAME = "SELECT name FROM contacts WHERE contact_key = $1";
    /// Answers to requests that are kept to be given again, and may name it. What was done stays known.
    FORGET_ANSWERS = "
        UPDATE idempotency_keys SET body = NULL
        WHERE body IS NOT NULL
          AND EXISTS (SELECT 1 FROM json_each_text($1)
                      WHERE replace(body, value, '') <> body OR replace(lower(body), value, '') <> lower(body))";
    /// Its addresses as the files have them.
    SELECT_POINTS = "SELECT channel, lower(address) FROM contact_points WHERE contact_key = $1";
    /// Those that were used.
    SELECT_ADDRESSES = "
        SELECT channel, lower(address) FROM deliveries WHERE contact_key = $1 AND address NOT LIKE 'erased:%'
        UNION SELECT channel, lower(address) FROM recipients WHERE contact_key = $1 AND address NOT LIKE 'erased:%'
        UNION SELECT channel, lower(address) FROM cascade_steps
              WHERE (deputy_key = $1 OR (contact_key = $1 AND deputy_key IS NULL)) AND address NOT LIKE 'erased:%'";
    /// Its addresses, their secrets, and why they were kept.
    DELETE_POINTS = "DELETE FROM contact_points WHERE contact_key = $1";
    /// Its groups.
    DELETE_MEMBERSHIPS = "DELETE FROM contact_group_members WHERE contact_key = $1";
    /// Who it is.
    CLEAR_CONTACT = "
        UPDATE contacts SET id = $2, name = '', organisation = '', salutation = '', language = '', deputy = NULL,
                            attributes = '{}', removed_at = $3, updated_at = $3
        WHERE contact_key = $1";
    /// Whose deputy it is.
    CLEAR_DEPUTY_OF = "UPDATE contacts SET deputy = NULL WHERE deputy = $1";
    /// Whose account names it, to be told by it.
    CLEAR_ACCOUNT_OF = "UPDATE accounts SET contact = NULL WHERE contact = $1";
    /// Blocks on addresses that nobody has any more.
    DELETE_SUPPRESSIONS = "
        DELETE FROM suppressions
        WHERE EXISTS (SELECT 1 FROM json_each($1)
                      WHERE value->>'channel' = suppressions.channel AND value->>'address' = suppressions.address)
          AND NOT EXISTS (SELECT 1 FROM contact_points p
                          WHERE p.channel = suppressions.channel AND lower(p.address) = suppressions.address)";
    /// Endpoints that failed and that nobody has any more.
    DELETE_ENDPOINTS = "
        DELETE FROM webhook_endpoints
        WHERE (contact_key = $2 OR address IN (SELECT value->>'address' FROM json_each($1)))
          AND NOT EXISTS (SELECT 1 FROM contact_points p
                          WHERE p.channel = 'webhook' AND lower(p.address) = webhook_endpoints.address)";
    /// So that an import notices it.
    INSERT_ID_HASH = "
        INSERT INTO erased_contacts (id_hash, erased_at) VALUES ($1, $2)
        ON CONFLICT (id_hash) DO UPDATE SET erased_at = excluded.erased_at";
    /// Which of these ids were erased.
    SELECT_ID_HASHES = "
        SELECT id_hash FROM erased_contacts WHERE id_hash IN (SELECT CAST(value AS TEXT) FROM json_each_text($1))";
    /// They may come back.
    DELETE_ID_HASH = "
        DELETE FROM erased_contacts WHERE id_hash IN (SELECT CAST(value AS TEXT) FROM json_each_text($1))";
}
