"""Reads with TensorBoard what write_events wrote, and compares. Argument: the folder of the event file."""
import sys

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

FAULTS = []


def same(what, got, expected):
    if got != expected:
        FAULTS.append(what)
        print(f"{what}: TensorBoard reads {got!r}, written was {expected!r}")


folder = sys.argv[1]
unlimited = {event_accumulator.SCALARS: 0, event_accumulator.IMAGES: 0, event_accumulator.HISTOGRAMS: 0, event_accumulator.TENSORS: 0}
plain = event_accumulator.EventAccumulator(folder, unlimited)
plain.Reload()
print("tags:", {kind: tags for kind, tags in plain.Tags().items() if tags})

scalars = [(s.step, s.value) for s in plain.Scalars("train/loss")]
same("scalars", scalars, [(step, 1.0 / (1 << step)) for step in range(10)])

image = plain.Images("figures/gradient")[0]
same("image size", (image.width, image.height), (16, 8))
same("image bytes", image.encoded_image_string[:8], b"\x89PNG\r\n\x1a\n")

histogram = plain.Histograms("weights/hidden")[0].histogram_value
same("histogram", (histogram.min, histogram.max, histogram.num, histogram.sum, histogram.sum_squares), (-2.0, 3.0, 6.0, 3.0, 19.0))
same("histogram counts", sum(histogram.bucket), 6.0)
same("histogram edges rise", all(a < b for a, b in zip(histogram.bucket_limit, histogram.bucket_limit[1:])), True)

# the way the dashboard goes: old summaries are turned into tensors of their plug-ins
shown = plugin_event_accumulator.EventAccumulator(folder)
shown.Reload()
for plugin, tag in (("scalars", "train/loss"), ("images", "figures/gradient"), ("histograms", "weights/hidden")):
    same(f"plug-in {plugin}", tag in shown.PluginTagToContent(plugin), True)
values = [float(tensor_util.make_ndarray(event.tensor_proto)) for event in shown.Tensors("train/loss")]
same("scalars on the dashboard", values, [value for _, value in scalars])

print("TensorBoard reads everything" if not FAULTS else f"{len(FAULTS)} faults")
sys.exit(1 if FAULTS else 0)
