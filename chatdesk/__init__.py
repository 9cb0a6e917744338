"""The conversational core: what happened, what follows and what must hold."""
