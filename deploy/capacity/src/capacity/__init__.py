"""The capacity planner: from clicks a day to replicas, pools, memory, disk and settings."""
