# Makes golden.json from ../glm/data.csv: CR2 covariances and Satterthwaite df by clubSandwich.
suppressPackageStartupMessages({library(clubSandwich); library(jsonlite)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
one <- function(m, cluster, ...) {
  t <- coef_test(m, vcov = "CR2", cluster = cluster, test = "Satterthwaite", ...)
  v <- vcovCR(m, cluster = cluster, type = "CR2", ...)
  df <- if ("df_Satt" %in% names(t)) t$df_Satt else t$df
  list(terms = names(coef(m)), beta = unname(coef(m)), se = t$SE, df = df, vcov = unclass(as.matrix(v))[, ])
}
f <- function(y) as.formula(paste(y, "~ hospital + beds + age + sex + score"))
# Refits started at the solution make the stored working weights those of the estimate itself.
refit <- function(y, family) {
  m <- glm(f(y), family = family, data = d, control = ctl)
  for (i in 1:12) m <- glm(f(y), family = family, data = d, control = ctl, start = coef(m))
  m
}
# One hospital kept as a single unit: its fixed effect absorbs the cluster.
lone <- d[!(d$hospital == "H03" & d$unit != "U003"), ]
lone <- droplevels(lone)
w <- 1 + (as.integer(d$age) + as.integer(d$sex)) / 2
golden <- list(
  ols = one(lm(f("y"), data = d), d$unit),
  hospital_clusters = one(lm(y ~ age + sex + score, data = d), d$hospital),
  absorbed = one(lm(y ~ hospital + age + sex + score, data = lone), lone$unit),
  wls = one(lm(f("y"), data = d, weights = w), d$unit, target = 1 / w),
  gamma = one(refit("cost", Gamma("log")), d$unit),
  poisson = one(refit("days", quasipoisson()), d$unit),
  binomial = one(refit("died", binomial()), d$unit))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("clubSandwich", packageVersion("clubSandwich"))), "VERSIONS")
