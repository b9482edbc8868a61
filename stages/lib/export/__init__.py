"""The tuned model as ONNX, checked against torch."""

import onnxruntime

# It would note a device's id and events in the user's cache, and send them.
onnxruntime.disable_telemetry_events()
