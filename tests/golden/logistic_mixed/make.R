# Makes golden.json from ../glm/data.csv: logistic random intercepts by lme4::glmer (1 and 9 quadrature points, optimiser
# tightened) with standard errors from the Hessian, and by glmmTMB (Laplace).
suppressPackageStartupMessages({library(lme4); library(glmmTMB); library(jsonlite)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
d$beds10 <- d$beds / 10
ctl <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .02, rhoend = 1e-11, maxfun = 1e6), tolPwrss = 1e-13,
                    check.conv.grad = "ignore")
f <- died ~ hospital + beds10 + age + sex + score + (1 | unit)
one <- function(points) {
  m <- glmer(f, data = d, family = binomial(), nAGQ = points, control = ctl)
  list(beta = unname(fixef(m)), se = sqrt(diag(as.matrix(vcov(m, use.hessian = TRUE)))), sigma = unname(getME(m, "theta")),
       loglik = as.numeric(logLik(m)), modes = ranef(m)$unit[, 1])
}
tmb <- glmmTMB(f, data = d, family = binomial(), control = glmmTMBControl(optCtrl = list(rel.tol = 1e-14, x.tol = 1e-12)))
golden <- list(terms = names(fixef(glmer(f, data = d, family = binomial(), nAGQ = 0))), agq1 = one(1), agq9 = one(9),
               tmb = list(beta = unname(fixef(tmb)$cond), se = unname(sqrt(diag(vcov(tmb)$cond))),
                          sigma = sqrt(unname(VarCorr(tmb)$cond$unit[1, 1])), loglik = as.numeric(logLik(tmb))))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("lme4", packageVersion("lme4")), paste("glmmTMB", packageVersion("glmmTMB"))), "VERSIONS")
