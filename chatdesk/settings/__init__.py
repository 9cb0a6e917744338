"""How the desk's file is read: one module a subject; chatdesk.config is the way in."""
