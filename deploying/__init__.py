"""What a deployment needs besides the app: run by azd's hooks on the machine of whoever deploys, and not shipped."""
