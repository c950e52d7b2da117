"""What REST takes and gives (marshmallow)."""
