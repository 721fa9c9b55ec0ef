"""Publishes a box's figures to CloudWatch: the door to it."""

from collections.abc import Mapping

import boto3

NO_CELL = "-"  # a dimension has a value; cloudformation/collector.yaml says the same


def publish(figures: Mapping[str, float], *, namespace: str, cell: str) -> None:
    """Publish each figure under its name; boto3 finds the credentials and the region."""
    dimensions = [{"Name": "Cell", "Value": cell or NO_CELL}]
    boto3.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": name, "Value": value, "Dimensions": dimensions}
            for name, value in figures.items()
        ],
    )
