"""The job engine: claim, fence, lease, heartbeat, reaper."""
