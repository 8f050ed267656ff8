"""The people who take contacts: whom a contact rings for, what an agent can do, what is kept of them."""
