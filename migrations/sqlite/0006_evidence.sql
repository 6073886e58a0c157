-- By whose failure an address came to be suppressed: if that very delivery turns out to have arrived, it is lifted.
ALTER TABLE suppressions ADD COLUMN delivery_id BLOB; -- NULL: a person, or an endpoint that failed for days

CREATE INDEX suppressions_deliveries ON suppressions (delivery_id) WHERE delivery_id IS NOT NULL;

-- Reports that name a message as its provider does.
CREATE INDEX deliveries_references ON deliveries (provider, provider_ref) WHERE provider_ref IS NOT NULL;
