"""Points and limits of any chart, once its limits are known."""

from __future__ import annotations

from taktsight.quality import spc_limits
from taktsight.quality.attribute_charts import draw_counts, draw_laney, draw_shares
from taktsight.quality.bernoulli_cusum import draw_bernoulli
from taktsight.quality.control_chart import Drawn
from taktsight.quality.gap_charts import draw_gaps
from taktsight.quality.spc_limits import Limits
from taktsight.quality.tables import Floats
from taktsight.quality.value_charts import draw_cusum, draw_ewma, draw_values


def draw_points(limits: Limits, values: Floats, n: Floats) -> Drawn:
    """The chart that the limits are of.

    Args:
        limits: of phase I, or of these points.
        values: (N,) events, gaps, values, or 1 and 0.
        n: (N,) parts or units of each; where that means nothing it is not looked at.
    """
    drawn: Drawn
    if isinstance(limits, spc_limits.ShareLimits):
        drawn = draw_shares(limits, values, n)
    elif isinstance(limits, spc_limits.CountLimits):
        drawn = draw_counts(limits, values, n)
    elif isinstance(limits, spc_limits.LaneyLimits):
        drawn = draw_laney(limits, values, n)
    elif isinstance(limits, spc_limits.GapLimits):
        drawn = draw_gaps(limits, values)
    elif isinstance(limits, spc_limits.EwmaLimits):
        drawn = draw_ewma(limits, values)
    elif isinstance(limits, spc_limits.CusumLimits):
        drawn = draw_cusum(limits, values)
    elif isinstance(limits, spc_limits.BernoulliLimits):
        drawn = draw_bernoulli(limits, values > 0)
    else:
        drawn = draw_values(limits, values)
    return drawn
