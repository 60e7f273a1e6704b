"""What does each column of the bundled files mean? The data dictionary that is written beside them."""

from typing import Any

FIRST_LINE = "**These data are synthetic: no person, hospital or stay in them is real.**"


def data_dictionary(truth: dict[str, Any]) -> str:
    """The text of raw/README.md for a simulated study."""
    sizes = truth["sizes"]
    rows = f"{sizes['submissions']:,} responses", f"{sizes['roster']:,} staff", f"{sizes['stays']:,} stays"
    return f"""{FIRST_LINE}

They were drawn by `microresearch simulate` with seed {truth["seed"]}. What was planted, and the population value of
every estimand, stand in `../truth.json`. `SHA256SUMS` lists the hashes of the files (`sha256sum -c SHA256SUMS`).
{sizes["hospitals"]} hospitals, {sizes["units"]} units, {rows[1]} on the roster, {rows[0]} to the survey, {rows[2]}.

## survey.csv: the survey as Qualtrics exports it
UTF-8 with byte order mark. Row 1 holds the column names, row 2 the wording, row 3 the ImportIds; a response a row from
row 4. Answers are choice texts. Wave 1 ran from 8 January 2024 for four weeks, wave 2 (retest) three weeks after a
person's first.

| column | meaning |
|---|---|
| StartDate, EndDate, RecordedDate | when the response was begun, ended, stored (`YYYY-MM-DD HH:MM:SS`) |
| Status | `IP Address` for a response, `Survey Preview` for a preview by the study team |
| IPAddress, LocationLatitude, LocationLongitude | invented; addresses from the ranges kept for documentation |
| Progress | per cent of the survey seen |
| Duration (in seconds) | from first to last page |
| Finished | `True` when the last page was sent |
| ResponseId | one a response |
| RecipientLastName, RecipientFirstName, RecipientEmail | invented |
| ExternalReference | staff id as in roster.csv; empty or another id for people who are not on the roster |
| DistributionChannel, UserLanguage | `email`, `anonymous` or `preview`; `EN` |
| consent | `Yes` or `No`; after `No` nothing else was asked |
| unit | the unit as the person named it: name or a variant of units.csv, or empty |
| role | `nurse`, `physician`, `allied health`, `support` |
| wave | `1`, `2` |
| `leadership_1` ... | long form, 52 items: `Strongly disagree` ... `Strongly agree`, `Can't rate`, or empty |
| `level_leadership` ... | the ten rows of the assessment form: `Level 1` to `Level 3`, `Can't rate`, or empty |
| comments | free text, some of it hostile on purpose |

`education_training_3` is asked in academic units only and empty elsewhere. Planted, and counted in `../truth.json`:
previews, refusals, duplicates, people who are not on the roster, broken-off responses, speeders, near-empty responses,
straight-liners and misspelt units.

## roster.csv: everyone who was asked
| column | meaning |
|---|---|
| staff_id | one a person |
| unit | unit id as in units.csv |
| role | as in the survey |

## units.csv: the units
| column | meaning |
|---|---|
| unit | `U001` ... |
| name | official name |
| variants | other spellings in the survey, separated by a vertical bar |
| hospital | `H01` ... |
| type | `intensive care`, `medical`, `surgical`, `ambulatory` |
| beds | number of beds or treatment places |
| academic | `yes` where students are trained, else `no` |

## admissions.parquet: a row a stay, admitted from 1 March 2024 to 28 February 2026
| column | type | meaning |
|---|---|---|
| stay_id | text | one a stay |
| patient_id | text | one a patient, who may have several stays |
| unit | text | unit of the stay |
| admitted, discharged | date | |
| age | whole number | years on admission |
| sex | text | `F`, `M` |
| comorbidity | whole number | comorbidity index, 0 to 9 |
| los_days | whole number | nights: discharged minus admitted, 0 for a day case |
| readmitted_30d | 0, 1, empty | back in any hospital, also one not in this file, within 30 days; empty after death |
| died | 0, 1 | died in hospital |
| experience | number or empty | patient experience, 0 to 100 with one decimal, of a random quarter of survivors |

## finance.parquet: lines of the finance department
| column | type | meaning |
|---|---|---|
| stay_id | text | as above; some lines belong to stays that are not in admissions, some stays have no line |
| hospital, year | text, whole number | hospital and calendar year of discharge |
| line | text | `charge`, or `reversal` of an earlier charge (negative) |
| amount | number | dollars with two decimals; a stay's lines sum to its charges |

## unit_months.csv: a row a unit and month, March 2024 to February 2026
| column | meaning |
|---|---|
| unit | as in units.csv |
| month | `YYYY-MM` |
| patient_days | days that patients spent in the unit's beds or treatment places in the month |
| falls | falls of patients in the month |

## ccr.csv: cost-to-charge ratios
| column | meaning |
|---|---|
| hospital, year | as in finance.parquet |
| ccr | cost = charges times ccr |
"""
