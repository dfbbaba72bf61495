"""The venues that a gateway can open the door to: one folder or file each."""

VENUES = {
    "sim": "autofutures.venues.sim:SimVenue",
    "paper": "autofutures.venues.paper:PaperVenue",
}
"""Every venue by name: `sim` replays in lockstep, `paper` runs by the clock."""
