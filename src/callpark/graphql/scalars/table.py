"""Every AWS scalar by name. Read by `schema.py`."""

from callpark.graphql.scalars.addresses import AWS_EMAIL, AWS_IP_ADDRESS, AWS_PHONE, AWS_URL
from callpark.graphql.scalars.dates import AWS_DATE, AWS_DATE_TIME, AWS_TIME, AWS_TIMESTAMP
from callpark.graphql.scalars.json_text import AWS_JSON
from callpark.graphql.scalars.rule import ScalarRule

AWS_SCALARS: dict[str, ScalarRule] = {
    "AWSDate": AWS_DATE,
    "AWSTime": AWS_TIME,
    "AWSDateTime": AWS_DATE_TIME,
    "AWSTimestamp": AWS_TIMESTAMP,
    "AWSEmail": AWS_EMAIL,
    "AWSJSON": AWS_JSON,
    "AWSPhone": AWS_PHONE,
    "AWSURL": AWS_URL,
    "AWSIPAddress": AWS_IP_ADDRESS,
}
