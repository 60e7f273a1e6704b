# Goldens of agreement within units and of empirical-Bayes unit scores. Run here: Rscript make.R
suppressPackageStartupMessages({library(multilevel); library(lme4); library(jsonlite)})
save <- function(x, name) write_json(x, name, digits = I(17), auto_unbox = TRUE, pretty = TRUE, na = "null")
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.05, rhoend = 1e-13, maxfun = 1e5), calc.derivs = FALSE)

# --- lq2002 (multilevel): eleven leadership items, 1-5, companies as units; complete rows
data(lq2002)
items <- paste0("LEAD", sprintf("%02d", 1:11))
lead <- na.omit(lq2002[, c("COMPID", items)])
write.csv(lead, "lead.csv", row.names = FALSE)
lead$score <- rowMeans(lead[, items])
reml <- function(formula, data) {
  fit <- lmer(formula, data, control = tight)
  v <- as.data.frame(VarCorr(fit))$vcov
  list(tau2 = v[1], sigma2 = v[2], criterion = REMLcrit(fit))
}
anova_of <- function(formula, data) {
  fit <- aov(formula, data); s <- summary(fit)[[1]]
  list(icc1 = ICC1(fit), icc2 = ICC2(fit), f = s[1, 4], df1 = s[1, 1], df2 = s[2, 1], p = s[1, 5])
}
agree <- list(
  units = as.character(rwg(lead$LEAD01, lead$COMPID)$grpid),
  rwg_uniform = rwg(lead$LEAD01, lead$COMPID, ranvar = 2)$rwg,
  rwg_skewed = rwg(lead$LEAD01, lead$COMPID, ranvar = 1.34)$rwg,
  rwg_j_uniform = rwg.j(lead[, items], lead$COMPID, ranvar = 2)$rwg.j,
  rwg_j_skewed = rwg.j(lead[, items], lead$COMPID, ranvar = 1.34)$rwg.j,
  ad_mean = ad.m(lead[, items], lead$COMPID, type = "mean")$AD.M,
  ad_median = ad.m(lead[, items], lead$COMPID, type = "median")$AD.M,
  ad_item = ad.m(lead$LEAD01, lead$COMPID)$AD.M,
  anova = anova_of(score ~ factor(COMPID), lead), reml = reml(score ~ 1 + (1 | COMPID), lead))

# --- the well-known set whose two conventions differ (bh1996, hours)
data(bh1996)
set.seed(4)
some <- bh1996[bh1996$GRP %in% sample(unique(bh1996$GRP), 30), c("GRP", "HRS", "LEAD")]
write.csv(some, "bh1996.csv", row.names = FALSE)
agree$hours <- c(anova_of(HRS ~ factor(GRP), some), reml(HRS ~ 1 + (1 | GRP), some))
save(agree, "agreement.json")

# --- empirical Bayes with hospital fixed effects and unit covariates
set.seed(5)
units <- data.frame(unit = sprintf("U%02d", 1:40), hospital = sprintf("H%d", rep(1:6, c(9, 8, 8, 7, 7, 1))),
                    type = sample(c("medical", "surgical", "intensive care"), 40, TRUE), beds = sample(8:30, 40, TRUE))
k <- sample(1:14, 40, TRUE)
truth <- 3.4 + rnorm(6, 0, .3)[as.integer(factor(units$hospital))] + .02 * (units$beds - 18) + rnorm(40, 0, .3)
people <- data.frame(unit = rep(units$unit, k))
people$score <- round(rep(truth, k) + rnorm(sum(k), 0, .7), 3)
write.csv(units, "eb_units.csv", row.names = FALSE); write.csv(people, "eb_people.csv", row.names = FALSE)
d <- merge(people, units)
eb <- function(formula) {
  fit <- lmer(formula, d, control = tight)
  v <- as.data.frame(VarCorr(fit))$vcov
  re <- ranef(fit, condVar = TRUE)$unit
  one <- d[match(rownames(re), d$unit), ]
  fitted <- predict(fit, newdata = one, re.form = NA)
  x <- getME(fit, "X")[match(rownames(re), d$unit), , drop = FALSE]
  # prediction error of x b + v by Henderson's equations, apart from the library's formula
  X <- as.matrix(getME(fit, "X")); Z <- as.matrix(getME(fit, "Z"))
  C <- solve(rbind(cbind(crossprod(X), crossprod(X, Z)), cbind(crossprod(Z, X), crossprod(Z) + diag(v[2] / v[1], ncol(Z)))) / v[2])
  M <- cbind(x, diag(nrow(re)))
  list(unit = rownames(re), tau2 = v[1], sigma2 = v[2], criterion = REMLcrit(fit), fitted = unname(fitted),
       eb = unname(fitted + re[, 1]), eb_se = unname(sqrt(diag(M %*% C %*% t(M)))))
}
save(list(hospital = eb(score ~ 0 + hospital + (1 | unit)), covariates = eb(score ~ 0 + hospital + type + beds + (1 | unit)),
          none = eb(score ~ 1 + (1 | unit))), "eb.json")
packages <- c("multilevel", "lme4", "jsonlite")
writeLines(c(R.version.string, paste(packages, sapply(packages, function(p) as.character(packageVersion(p))))), "VERSIONS")
