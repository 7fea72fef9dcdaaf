"""What all commands share: how they begin and end, their options, their run folder, their page."""
