"""A node's wiring without ROS."""

from types import SimpleNamespace


class Wiring:
    """Topics that are only remembered."""

    def __init__(self):
        self.outputs, self.inputs, self.publishers = {}, {}, {}

    def publisher(self, kind, topic, *, depth=1, reliable=True, latched=False):
        output = SimpleNamespace(kind=kind, listeners=0, messages=[])
        output.publish, output.get_subscription_count = output.messages.append, lambda: output.listeners
        self.outputs[topic] = output
        return output

    def subscription(self, kind, topic, on_message, *, depth=1):
        assert topic not in self.inputs
        qos = SimpleNamespace(reliability=SimpleNamespace(name="BEST_EFFORT"))
        heard = SimpleNamespace(
            kind=kind, topic_name=f"/r/{topic}", qos_profile=qos, name=topic, hear=on_message
        )
        self.inputs[topic] = heard
        return heard

    def unpublish(self, output):
        raise AssertionError("nothing is taken away here")

    def unsubscribe(self, heard):
        assert self.inputs.pop(heard.name) is heard

    def publishers_of(self, topic):
        return self.publishers.get(topic, [])
