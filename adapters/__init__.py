"""One package a channel: vendor payloads in, deliveries out."""
