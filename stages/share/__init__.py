"""What make runs to hand the model on: the folder to take home, a hub, MTEB."""
