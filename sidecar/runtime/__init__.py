"""The thin shell: sockets, files and clocks. Everything that waits lives here."""
