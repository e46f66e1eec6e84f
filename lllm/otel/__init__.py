"""What OpenTelemetry calls things and how it writes them down: for live spans and for exported files."""
