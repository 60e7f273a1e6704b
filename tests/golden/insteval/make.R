# Makes golden.json from lme4::InstEval (73,421 ratings of 1,128 lecturers): random intercepts of lecturers by lmer (REML).
suppressPackageStartupMessages({library(lme4); library(jsonlite)})
ctl <- lmerControl(optimizer = "nloptwrap", optCtrl = list(algorithm = "NLOPT_LN_BOBYQA", xtol_abs = 1e-13, xtol_rel = 1e-13,
                   ftol_abs = 1e-15, ftol_rel = 1e-15, maxeval = 10000))
m <- lmer(y ~ service + studage + (1 | d), InstEval, REML = TRUE, control = ctl, contrasts = list(studage = "contr.treatment"))
v <- as.data.frame(VarCorr(m))$vcov
write_json(list(terms = names(fixef(m)), beta = unname(fixef(m)), se = unname(sqrt(diag(as.matrix(vcov(m))))), tau2 = v[1],
                sigma2 = v[2], loglik = as.numeric(logLik(m)), n = nrow(InstEval)), "golden.json", digits = NA, auto_unbox = TRUE)
writeLines(c(R.version.string, paste("lme4", packageVersion("lme4"))), "VERSIONS")
