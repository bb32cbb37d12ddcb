"""What is particular to one kind of server, told by what it says of itself."""
