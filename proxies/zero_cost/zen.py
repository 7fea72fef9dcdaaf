"""How much a small change of the input changes the features, with the scale that batch norm hides put back."""

from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "gaussian", "noise", 16, "ZenNAS at ec10755", "the score draws both itself; 32 repetitions there, one here"
)


@proxy("zen", direction="higher", needs=["perturbation"], paper="Lin et al., ICCV 2021", version=2, authors=AUTHORS)
def zen(evidence: Evidence) -> Tensor:
    """ln mean_n sum |f(x) - f(x + .01 e)| + sum over batch norms of ln sqrt(mean running variance).

    f is the map before pooling; weights, x and e are standard normal, drawn from the seed: the weights handed in do not
    matter. The running variance is that after the two passes from 1, as in NASLib and ZenNAS: .81 + .09 v1 + .1 v2.
    One repetition (ZenNAS's command line takes 32); never under autocast.
    """
    change, variances = evidence.perturbation
    return change.log() + variances.log().sum() / 2
