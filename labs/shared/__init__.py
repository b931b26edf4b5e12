"""What the labs share: event types, and small streams to try a part on."""
