import os


def get_node_ip_address():
    return f"fake-node-{os.environ['FAKE_RAY_NODE']}"
