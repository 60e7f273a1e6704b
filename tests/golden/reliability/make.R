# Goldens of alpha and the intraclass correlations. Run here: Rscript make.R
suppressPackageStartupMessages({library(psych); library(lme4); library(jsonlite)})
save <- function(x, name) write_json(x, name, digits = I(17), auto_unbox = TRUE, pretty = TRUE, na = "null")
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.05, rhoend = 1e-13, maxfun = 1e5), calc.derivs = FALSE)

# --- data: bfi agreeableness (A1 is reverse-keyed), its first 600 rows, holes and all
agree <- psych::bfi[1:600, paste0("A", 1:5)]
write.csv(agree, "agree.csv", row.names = FALSE, na = "")
one <- function(x, ...) {
  fit <- psych::alpha(x, warnings = FALSE, ...)
  f <- fit$feldt
  list(raw = fit$total$raw_alpha, standardised = fit$total$std.alpha, lambda6 = fit$total[["G6(smc)"]],
       n = nrow(x), feldt_low = f$lower.ci[[1]], feldt_high = f$upper.ci[[1]],
       alpha_drop = fit$alpha.drop$raw_alpha, r_drop = fit$item.stats$r.drop, r_cor = fit$item.stats$r.cor,
       mean = fit$item.stats$mean, sd = fit$item.stats$sd)
}
keyed <- transform(agree, A1 = 7 - A1)
complete <- na.omit(keyed)
three <- complete[, c("A2", "A3", "A5")]
save(list(complete = one(complete), pairwise = one(keyed), unkeyed = one(na.omit(agree)), three = one(three),
          two = one(complete[, c("A2", "A3")]), binary = one((complete > 4) * 1)), "alpha.json")

# --- the jackknife of log(1 - alpha): psych's alpha of n samples that lack one person each
jackknife <- function(x) {
  raw <- function(d) psych::alpha(d, warnings = FALSE, n.iter = 1)$total$raw_alpha
  all <- log(1 - raw(x)); n <- nrow(x)
  each <- sapply(seq_len(n), function(i) log(1 - raw(x[-i, ])))
  se <- sqrt((n - 1) / n * sum((each - mean(each))^2)); seen <- 1 * !is.na(x); fewest <- min(t(seen) %*% seen)
  list(se = se, fewest = fewest, low = 1 - exp(all + qt(.975, fewest - 1) * se), high = 1 - exp(all - qt(.975, fewest - 1) * se))
}
save(list(complete = jackknife(complete), pairwise = jackknife(keyed), unkeyed = jackknife(na.omit(agree)),
          three = jackknife(three), two = jackknife(complete[, c("A2", "A3")]), binary = jackknife((complete > 4) * 1)), "jackknife.json")

# --- the six forms: Shrout & Fleiss 1979, Table 2; a bigger table; two waves
sf <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), ncol = 4, byrow = TRUE)
set.seed(11)
big <- round(outer(rnorm(40, 3, .6), rnorm(3, 0, .3), "+") + matrix(rnorm(120, 0, .5), 40), 2)
retest <- round(cbind(rnorm(150, 3.4, .5), 0)[, 1] + matrix(rnorm(300, 0, .3), 150), 2)
for (n in c("sf", "big", "retest")) write.csv(get(n), paste0("icc_", n, ".csv"), row.names = FALSE)
forms <- function(x, level) {
  r <- psych::ICC(x, lmer = FALSE, alpha = 1 - level)$results
  list(type = r$type, icc = r$ICC, f = r$F, df1 = r$df1, df2 = r$df2, p = r$p, low = r[["lower bound"]], high = r[["upper bound"]])
}
save(list(sf = forms(sf, .95), big = forms(big, .95), retest = forms(retest, .90)), "icc.json")

# --- holes: REML variance components, one-way and crossed
set.seed(12)
long <- expand.grid(target = 1:60, rater = 1:5)
long$flat <- round(3 + rnorm(60, 0, .6)[long$target] + rnorm(300, 0, .5), 3)  # raters alike: their variance ends at zero
long$score <- long$flat + c(-.5, .3, 0, .6, -.2)[long$rater]
long <- long[runif(300) < .7, ]
write.csv(long, "icc_holes.csv", row.names = FALSE)
parts <- function(f) {
  fit <- lmer(f, long, control = tight)
  c(setNames(as.list(as.data.frame(VarCorr(fit))$vcov), as.data.frame(VarCorr(fit))$grp), criterion = REMLcrit(fit))
}
save(list(crossed = parts(score ~ 1 + (1 | target) + (1 | rater)), flat = parts(flat ~ 1 + (1 | target) + (1 | rater)), oneway = parts(score ~ 1 + (1 | target)),
          fixed = parts(score ~ factor(rater) + (1 | target))), "components.json")
writeLines(c(R.version.string, paste(c("psych", "lme4", "jsonlite"), sapply(c("psych", "lme4", "jsonlite"), function(p) as.character(packageVersion(p))))), "VERSIONS")
