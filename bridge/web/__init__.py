"""What the running bridge answers over HTTP: who asks is told, who commands is heard by the main loop."""
