"""The networks that read on the page, layer by layer, as layers.js shows them."""

from cnn import Sequential, load_model
from recognition.reader import SHIPPED

TITLES = {"digits": "Best network", "seed": "Simple network"}


def networks(sources: str | None) -> list[dict]:
    """[{title, parameters, layers: [{layer, shape, count, source}]}] of the shipped networks.

    shape: of one sample's output. sources: the address under which the files of this repository can be read,
    such as "https://example.org/digits/blob/main"; None: there is none, and `source` is null.
    """
    return [_network(load_model(SHIPPED[name]).model, title, sources) for name, title in TITLES.items()]


def _network(model: Sequential, title: str, sources: str | None) -> dict:
    shape, layers = model.input_shape, []
    for layer in model.layers:
        shape = layer.output_shape(shape)
        file = type(layer).__module__.replace(".", "/") + ".py"
        layers.append(
            {
                "layer": repr(layer),
                "shape": list(shape),
                "count": sum(value.size for value in layer.params.values()),
                "source": sources and f"{sources}/{file}",
            }
        )
    return {"title": title, "parameters": model.parameters.size, "layers": layers}
