"""The PLC beside the line: its registers, the connection to it, its outages."""
