"""The six staging drills: `zep-sidecar drill`."""
