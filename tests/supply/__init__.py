"""What comes with the service from others: known faults, licences, a bill of materials."""
