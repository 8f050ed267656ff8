"""callpark: asynchronous AWS Lambda the way Amazon Connect flows and AWS AppSync use it."""
