"""What a run would need before it is started: bytes a device, steps, hours, disk, by formulas; nothing is measured."""
