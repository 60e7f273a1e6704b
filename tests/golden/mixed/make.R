# Makes golden.json from ../glm/data.csv: random-intercept models by lme4 (REML, optimiser tightened), Satterthwaite df by lmerTest.
suppressPackageStartupMessages({library(lmerTest); library(jsonlite)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(algorithm = "NLOPT_LN_BOBYQA", xtol_abs = 1e-13, xtol_rel = 1e-13,
                     ftol_abs = 1e-15, ftol_rel = 1e-15, maxeval = 10000))
one <- function(formula, data = d) {
  m <- suppressMessages(lmer(formula, data = data, REML = TRUE, control = tight))
  s <- summary(m)$coefficients
  v <- as.data.frame(VarCorr(m))
  list(terms = rownames(s), beta = unname(s[, 1]), se = unname(s[, 2]), df = unname(s[, 3]), p = unname(s[, 5]),
       tau2 = v$vcov[1], sigma2 = v$vcov[2], loglik = as.numeric(logLik(m)), n = nrow(data))
}
small <- droplevels(d[d$unit %in% levels(d$unit)[1:12], ])
set.seed(7); flat <- d; flat$y <- round(rnorm(nrow(d), 50, 5), 2)
flat$y <- flat$y - ave(flat$y, flat$unit) + 50   # unit means alike: the variance between units is zero
write.csv(data.frame(y = flat$y), "flat.csv", row.names = FALSE)
golden <- list(full = one(y ~ hospital + beds + age + sex + score + (1 | unit)),
               plain = one(y ~ score + (1 | unit)),
               small = one(y ~ age + score + (1 | unit), small),
               boundary = one(y ~ age + sex + score + (1 | unit), flat))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("lme4", packageVersion("lme4")), paste("lmerTest", packageVersion("lmerTest"))), "VERSIONS")
