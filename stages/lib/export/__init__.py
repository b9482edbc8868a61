"""The tuned model as ONNX, checked against torch."""
