//! What a template declares, and what its variables may hold.
