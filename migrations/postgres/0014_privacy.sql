-- Why a contact point is kept (purpose and verified_at are there already).
ALTER TABLE contact_points ADD COLUMN legal_basis TEXT NOT NULL DEFAULT '';
ALTER TABLE contact_points ADD COLUMN consent_at BIGINT;
ALTER TABLE contact_points ADD COLUMN review_at BIGINT;

-- Ids of contacts that were erased, as a keyed hash: so that the next import of the files does not bring them back
-- without a word.
CREATE TABLE erased_contacts (
    id_hash   TEXT NOT NULL PRIMARY KEY,
    erased_at BIGINT NOT NULL
);

-- What must not be deleted, whatever its time: everything, an incident, a notice.
CREATE TABLE legal_holds (
    scope   TEXT NOT NULL,
    subject TEXT NOT NULL, -- the incident's key, the notice's number; '' for everything
    reason  TEXT NOT NULL,
    set_by  TEXT NOT NULL,
    set_at  BIGINT NOT NULL,
    PRIMARY KEY (scope, subject)
);

-- How far the retention of each kind of data has come with each notice.
CREATE TABLE retention_progress (
    notice_id   UUID NOT NULL,
    kind        TEXT NOT NULL, -- deliveries, acknowledgements, receipts
    position    BIGINT NOT NULL, -- up to which place of the frozen list
    finished_at BIGINT,
    PRIMARY KEY (notice_id, kind)
);
