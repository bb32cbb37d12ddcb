"""For those who write a connector: the conformance suite, scripted faults, ugly mail. docs/connectors.md shows how."""
