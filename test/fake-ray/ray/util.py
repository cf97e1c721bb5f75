import os


def get_node_ip_address():
    return f"fake-node-{os.environ['CUDA_VISIBLE_DEVICES']}"
