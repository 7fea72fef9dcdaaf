"""Where accuracies come from: one file a source. `nb201_data.ground_truth` is the door."""
