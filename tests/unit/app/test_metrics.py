"""Numbers as text: both forms, negotiation, bounds, and what passes leave in them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.app import metric_names as names
from engine.app.azure_metrics import AzureRequests
from engine.app.exposition import OPENMETRICS, PLAIN, choose_form, render
from engine.app.metric_names import Family, MetricKind
from engine.app.metrics import Counter, Exemplar, Gauge, Histogram, Metric, single

STORAGE = "https://management.azure.com/subscriptions/s/providers/Microsoft.Storage/storageAccounts?api-version=1"
FAMILY = Family(name="trueup_x", kind=MetricKind.COUNTER, help='a "b"\\', labels=("kind",))


def lines(form: str, *metrics: Metric) -> list[str]:
    return render(metrics, form).splitlines()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        pytest.param("", OPENMETRICS, id="says nothing"),
        pytest.param("*/*", OPENMETRICS, id="takes anything"),
        pytest.param("text/plain", PLAIN, id="an old client"),
        pytest.param("text/html,application/xhtml+xml,*/*;q=0.8", PLAIN, id="a browser"),
        pytest.param(
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", OPENMETRICS, id="both"
        ),
        pytest.param("application/openmetrics-text;q=0.1, text/plain;q=0.9", PLAIN, id="by weight"),
        pytest.param("application/openmetrics-text;q=x", PLAIN, id="a weight that is none"),
    ],
)
def test_who_asks_chooses_the_form(accept: str, form: str) -> None:
    """The header Accept decides, weights included."""
    assert choose_form(accept) == form


def test_counters_in_both_forms() -> None:
    """OpenMetrics names the family without _total and ends in EOF; labels and help are escaped in both."""
    counter = Counter(FAMILY)
    counter.add('a"b\nc')
    counter.add('a"b\nc', by=1.5)
    told = 'trueup_x_total{kind="a\\"b\\nc"} 2.5'
    text = 'HELP {} a \\"b\\"\\\\'

    assert lines(OPENMETRICS, counter) == [
        "# TYPE trueup_x counter",
        f"# {text.format('trueup_x')}",
        told,
        "# EOF",
    ]
    assert lines(PLAIN, counter) == ["# TYPE trueup_x_total counter", f"# {text.format('trueup_x_total')}", told]


def test_histograms_carry_the_plan_they_come_from() -> None:
    """Buckets add up; the exemplar stands at its bucket, in OpenMetrics alone."""
    family = Family(name="trueup_t_seconds", kind=MetricKind.HISTOGRAM, help="t", labels=("scope",), buckets=(1.0, 5.0))
    times = Histogram(family)
    times.observe(0.5, "full")
    times.observe(3.0, "full", exemplar=Exemplar(plan_id="abc", value=3.0, at=12.0))
    times.observe(9.0, "full")

    told = lines(OPENMETRICS, times)[2:]

    assert told == [
        'trueup_t_seconds_bucket{scope="full",le="1.0"} 1',
        'trueup_t_seconds_bucket{scope="full",le="5.0"} 2 # {plan_id="abc"} 3 12.000',
        'trueup_t_seconds_bucket{scope="full",le="+Inf"} 3',
        'trueup_t_seconds_sum{scope="full"} 12.5',
        'trueup_t_seconds_count{scope="full"} 3',
        "# EOF",
    ]
    assert not any("plan_id" in line for line in lines(PLAIN, times))


def test_a_family_is_bounded() -> None:
    """After so many combinations of labels the next ones are one: other."""
    counter, times = Counter(FAMILY), Histogram(names.QUEUE_LATENCY)
    for n in range(names.LIMIT + 10):
        counter.add(str(n))
    times.observe(0.1)
    gauge = Gauge(FAMILY, lambda: [((str(n),), 1) for n in range(names.LIMIT + 10)])

    for found in (list(counter.samples()), list(gauge.samples())):
        assert len(found) == names.LIMIT + 1
        assert [s.number for s in found if s.labels == ("other",)] == [10]


def test_requests_to_azure_are_counted_twice() -> None:
    """Under ASO's names and under ours; no answer and a refusal for their number are told apart."""
    requests = AzureRequests()
    for status in (200, 200, 429, 0):
        requests.note("GET", STORAGE, status, 0.2)

    told = lines(OPENMETRICS, *requests.metrics())

    labels = 'resource="Microsoft.Storage/storageAccounts",requestType="GET"'
    assert f'azure_successful_requests_total{{{labels},responseCode="200"}} 2' in told
    assert f"azure_failed_requests_total{{{labels}}} 1" in told
    assert f"azure_requests_time_seconds_count{{{labels}}} 4" in told
    assert 'trueup_azure_requests_total{method="GET",code="none",provider="Microsoft.Storage"} 1' in told
    assert 'trueup_azure_throttled_total{provider="Microsoft.Storage"} 1' in told
    assert 'trueup_azure_request_duration_seconds_sum{method="GET",provider="Microsoft.Storage"} 0.8' in told


@pytest.mark.parametrize(("number", "text"), [(0.0, "0"), (3, "3"), (0.25, "0.25"), (float("inf"), "+Inf")])
def test_numbers(number: Any, text: str) -> None:
    """Whole numbers have no point."""
    family = Family(name="trueup_g", kind=MetricKind.GAUGE, help="g")

    assert lines(PLAIN, single(family, lambda: number))[-1] == f"trueup_g {text}"
