"""Dashboards as Grafana reads them, built with the Grafana Foundation SDK."""

from __future__ import annotations

from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

from agents.operations.dashboards.panel import Dashboard, Panel, Row, Shape

SOURCE: Final = "datasource"
"""A variable of every dashboard: which Prometheus to ask."""
TAG: Final = "renown"
HEIGHT: Final = {Shape.NUMBER: 4, Shape.LINES: 8, Shape.STACK: 8, Shape.BARS: 8}
GREEN, RED = "green", "red"


def rendered(dashboard: Dashboard) -> str:
    """Return the dashboard as Grafana's JSON, the same for the same dashboard."""
    built = (
        board.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(board.DashboardLink("Renown").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(False))
        .with_variable(board.DatasourceVariable(SOURCE).label("Prometheus").type("prometheus"))
    )
    for row in dashboard.rows:
        _add(built, row)
    return JSONEncoder(sort_keys=True, indent=1).encode(built.build()) + "\n"


def _add(built: board.Dashboard, row: Row) -> None:
    built.with_row(board.Row(row.title))
    for panel in row.panels:
        built.with_panel(_panel(panel))


def _panel(panel: Panel) -> Any:
    shaped: Any = {Shape.NUMBER: _number, Shape.BARS: _bars}.get(panel.shape, _lines)(panel)
    shaped = (
        shaped.title(panel.title)
        .description(panel.description)
        .datasource(DataSourceRef(type_val="prometheus", uid=f"${{{SOURCE}}}"))
        .unit(panel.shown_unit)
        .height(HEIGHT[panel.shape])
        .span(panel.width)
    )
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(query.expr).legend_format(query.legend)
        shaped = shaped.with_target(target.instant() if panel.shape is Shape.BARS else target.range())
    return shaped


def _lines(panel: Panel) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    shaped = (
        timeseries.Panel()
        .fill_opacity(8)
        .line_width(1)
        .axis_soft_min(0)
        .legend(legend.show_legend(True))
        .tooltip(tooltip)
    )
    if panel.shape is Shape.STACK:
        shaped = shaped.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    return shaped


def _bars(_: Panel) -> bargauge.Panel:
    return bargauge.Panel().orientation(VizOrientation.HORIZONTAL).min(0)


def _number(panel: Panel) -> stat.Panel:
    newest = common.ReduceDataOptions().calcs(["lastNotNull"])
    shaped = stat.Panel().graph_mode(BigValueGraphMode.AREA).reduce_options(newest)
    steps = [Threshold(color=GREEN)]
    if panel.red_above is not None:
        steps.append(Threshold(panel.red_above, RED))
    if panel.red_below is not None:
        steps = [Threshold(color=RED), Threshold(panel.red_below, GREEN)]
    return shaped.thresholds(board.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
