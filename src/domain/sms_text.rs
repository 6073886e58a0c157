//! How many segments a text message takes (3GPP TS 23.038).
