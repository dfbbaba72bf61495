"""The venues that a gateway can open the door to: one folder or file each."""

VENUES = {
    "sim": "autofutures.venues.sim:SimVenue",
}
"""Every venue by name."""
