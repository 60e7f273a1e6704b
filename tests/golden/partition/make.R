# Makes golden.json from ../glm/data.csv: variances between units with more and more held constant, by lme4 (REML for the
# continuous outcome, 9 quadrature points for the binary one).
suppressPackageStartupMessages({library(lme4); library(jsonlite)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
lc <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-13, ftol_abs = 1e-15, maxeval = 10000))
gc <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .02, rhoend = 1e-11, maxfun = 1e6), tolPwrss = 1e-13,
                   check.conv.grad = "ignore")
d$beds10 <- d$beds / 10
rhs <- c("1", "age + sex", "age + sex + hospital", "age + sex + hospital + beds10")
lin <- lapply(rhs, function(r) { v <- as.data.frame(VarCorr(lmer(as.formula(paste("y ~", r, "+ (1 | unit)")), d, control = lc)))$vcov; v })
logit <- sapply(rhs, function(r) getME(glmer(as.formula(paste("died ~", r, "+ (1 | unit)")), d, family = binomial(), nAGQ = 9, control = gc), "theta")^2)
golden <- list(between = sapply(lin, `[`, 1), within = sapply(lin, `[`, 2), logistic = unname(logit))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("lme4", packageVersion("lme4"))), "VERSIONS")
