"""Guests that touch what they are shown: the network, the batch, the evidence; and some that behave."""

import torch
from guests_support import guest, layer
from torch import Tensor, nn

from proxies.evidence import Evidence

# --- the network ------------------------------------------------------------------------------------------------------


@guest("violation", "stem.0.weight of the network")
def weights_in_place(evidence: Evidence) -> float:
    with torch.no_grad():
        layer(evidence).weight.mul_(3)
    return 1.0


@guest("violation", "stem.0.weight of the network", needs="features")
def weights_by_data(evidence: Evidence) -> float:
    layer(evidence).weight.data.zero_()  # no version counter sees this
    return 1.0


@guest("violation", "stem.0.weight of the network")
def weights_by_numpy(evidence: Evidence) -> float:
    layer(evidence).weight.detach().numpy()[:] = 0
    return 1.0


@guest("violation", "stem.0.weight of the network")
def weights_trained(evidence: Evidence) -> Tensor:
    optimiser = torch.optim.SGD(evidence.model.parameters(), 0.1)
    loss = evidence.model(evidence.x).sum()
    loss.backward()
    optimiser.step()
    return loss


@guest("violation", "stem.0.weight of the network")
def parameter_replaced(evidence: Evidence) -> float:
    layer(evidence).weight = nn.Parameter(torch.zeros_like(layer(evidence).weight))
    return 1.0


@guest("violation", "stem.0.weight of the network")
def parameter_deleted(evidence: Evidence) -> float:
    del layer(evidence).weight
    return 1.0


@guest("violation", "of the network")
def network_in_float64(evidence: Evidence) -> float:
    evidence.model.double()
    return 1.0


@guest("violation", "stem.0.weight of the network")
def parameters_frozen(evidence: Evidence) -> float:
    evidence.model.requires_grad_(False)
    return 1.0


@guest("violation", "stem.0.weight of the network")
def hook_on_a_weight(evidence: Evidence) -> float:
    layer(evidence).weight.register_hook(lambda gradient: gradient * 0)
    return 1.0


@guest("violation", "stem.1.running_mean of the network", needs="features")
def buffers_without_asking_for_the_model(evidence: Evidence) -> float:
    evidence.model.stem[1].running_mean.fill_(7)  # type: ignore[index,union-attr,operator]
    return 1.0


@guest("violation", "stem.1.running_mean of the network")
def buffer_deleted(evidence: Evidence) -> float:
    del evidence.model.stem[1].running_mean  # type: ignore[index,union-attr]
    return 1.0


@guest("violation", "stem.0.weight of the network", needs="features")
def gradients_without_asking_for_the_model(evidence: Evidence) -> float:
    layer(evidence).weight.grad = torch.ones_like(layer(evidence).weight)
    return 1.0


@guest("violation", "training of the network")
def left_in_eval(evidence: Evidence) -> float:
    evidence.model.eval()
    return 1.0


@guest("violation", "_forward_hooks of the network")
def forward_hook(evidence: Evidence) -> float:
    evidence.model.register_forward_hook(lambda module, inputs, output: output * 0)
    return 1.0


@guest("violation", "_forward_pre_hooks of the network")
def forward_pre_hook(evidence: Evidence) -> float:
    layer(evidence).register_forward_pre_hook(lambda module, inputs: (inputs[0] * 0,))
    return 1.0


@guest("violation", "_backward_hooks of the network")
def backward_hook(evidence: Evidence) -> float:
    layer(evidence).register_full_backward_hook(lambda module, before, after: None)
    return 1.0


@guest("violation", "module classifier of the network")
def module_deleted(evidence: Evidence) -> float:
    del evidence.model.classifier
    return 1.0


@guest("violation", "module stem.2 of the network")
def module_added(evidence: Evidence) -> float:
    evidence.model.stem.append(nn.ReLU())  # type: ignore[union-attr,operator]
    return 1.0


@guest("violation", "module stem.1 of the network")
def module_replaced(evidence: Evidence) -> float:
    evidence.model.stem[1] = nn.Identity()  # type: ignore[index,operator]
    return 1.0


@guest("violation", "forward of the network")
def forward_replaced(evidence: Evidence) -> float:
    evidence.model.forward = lambda x: x.new_zeros(len(x), 10)  # type: ignore[method-assign]
    return 1.0


@guest("violation", "stem.0.stride of the network", needs="features")
def stride_changed(evidence: Evidence) -> float:
    layer(evidence).stride = (2, 2)
    return 1.0


@guest("violation", "beyond comparison")
def mode_deleted(evidence: Evidence) -> float:
    del evidence.model.training
    return 1.0


@guest("violation", "beyond comparison", needs="")
def network_taken_away(evidence: Evidence) -> float:
    evidence.model = None  # type: ignore[assignment]
    return 1.0


@guest("violation", "stem.0.weight of the network")
def memory_taken_away(evidence: Evidence) -> float:
    layer(evidence).weight.untyped_storage().resize_(0)
    return 1.0


# --- batch and evidence -----------------------------------------------------------------------------------------------


@guest("violation", "changed the batch", needs="")
def batch_in_place(evidence: Evidence) -> float:
    evidence.x.zero_()
    return 1.0


@guest("violation", "changed the batch", needs="")
def batch_resized(evidence: Evidence) -> float:
    evidence.x.resize_(1, 1)
    return 1.0


@guest("violation", "changed the labels", needs="")
def labels_zeroed(evidence: Evidence) -> float:
    evidence.labels.zero_()
    return 1.0


@guest("violation", "changed the batch", needs="")
def memory_of_the_batch_taken_away(evidence: Evidence) -> float:
    evidence.x.untyped_storage().resize_(0)
    return 1.0


@guest("violation", "features of the evidence", needs="features")
def features_in_place(evidence: Evidence) -> float:
    evidence.features.logits.fill_(torch.nan)
    return 1.0


@guest("violation", "weight_gradients of the evidence", needs="weight_gradients")
def gradients_in_place(evidence: Evidence) -> float:
    for gradient in evidence.weight_gradients:
        gradient.abs_()
    return 1.0


@guest("violation", "shapes of the evidence", needs="shapes features")
def evidence_deleted(evidence: Evidence) -> float:
    evidence.found.clear()
    return 1.0


@guest("violation", "shapes (new) of the evidence", needs="")
def evidence_added(evidence: Evidence) -> float:
    evidence.found["shapes"] = {"stem.0": 1}
    return 1.0


@guest("violation", "the teacher's evidence", teacher=True, needs="features")
def teacher_in_place(evidence: Evidence) -> float:
    evidence.teacher.features.pooled.zero_()  # type: ignore[union-attr]
    return 1.0


@guest("violation", "seed or precision", needs="")
def seed_changed(evidence: Evidence) -> float:
    evidence.seed = 99
    return 1.0


@guest("ok")
def gradients_of_a_model_asked_for(evidence: Evidence) -> Tensor:
    loss = nn.functional.cross_entropy(evidence.model(evidence.x), evidence.labels)
    loss.backward()
    return loss


@guest("failed", "LookupError", needs="features")
def reads_what_it_did_not_ask_for(evidence: Evidence) -> Tensor:
    return evidence.relu_kernel.sum()


@guest("ok", needs="features weight_gradients input_gradient", teacher=True)
def a_good_guest(evidence: Evidence) -> Tensor:
    return (evidence.features.logits - evidence.teacher.features.logits).norm() + evidence.weight_gradients[0].norm()
